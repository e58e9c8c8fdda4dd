-- Outside measures: of a measure either all that selects credits is there, or how values are combined.
alter table measure alter column event_kind drop not null;
alter table measure alter column credit_kind drop not null;
alter table measure alter column levels drop not null;
alter table measure alter column roles drop not null;
alter table measure alter column value_kind drop not null;
alter table measure add column combine text collate "C";

-- A value of an outside measure for a payee and a day. A row without a value says that there is none any more, so that
-- what an older state of the source says stays stale.
create table outside_value (
    tenant_id uuid not null,
    payee_id text collate "C" not null,
    measure_id text collate "C" not null,
    value_date date not null,
    value numeric(18, 6),
    source_version bigint,
    digest bytea not null,
    added_in bigint not null,
    removed_in bigint,
    constraint outside_value_pkey primary key (tenant_id, payee_id, measure_id, value_date, added_in)
);
create unique index outside_value_current on outside_value (tenant_id, payee_id, measure_id, value_date)
    where removed_in is null;
create index outside_value_added on outside_value (tenant_id, added_in);
create index outside_value_removed on outside_value (tenant_id, removed_in) where removed_in is not null;
create index outside_value_measure on outside_value (tenant_id, measure_id, value_date);
grant select, insert on outside_value to attain_service;
grant update (removed_in) on outside_value to attain_service;
alter table outside_value enable row level security;
alter table outside_value force row level security;
create policy outside_value_tenant on outside_value
    using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
