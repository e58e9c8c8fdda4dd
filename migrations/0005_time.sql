-- An instant finds the last change recorded at or before it.
create index change_time on change (tenant_id, time, number);
