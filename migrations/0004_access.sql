-- The second wall: the service's role owns nothing, cannot bypass row-level security, and may change only
-- the head and `removed_in`. The runner makes the role (roles belong to the cluster, not to one database).
grant usage on schema public to attain_service;
grant select, insert on all tables in schema public to attain_service;
grant update (number, hash, ledger) on head to attain_service;
grant update (removed_in) on calendar to attain_service;
grant update (removed_in) on api_key to attain_service;
grant update (removed_in) on payee to attain_service;
grant update (removed_in) on assignment to attain_service;
grant update (removed_in) on measure to attain_service;
grant update (removed_in) on quota to attain_service;
grant update (removed_in) on plan_version to attain_service;
grant update (removed_in) on deal to attain_service;
grant update (removed_in) on deal_event to attain_service;
grant update (removed_in) on rejected_row to attain_service;

-- Tenants are looked up by slug before anything else is known; everything below them is theirs alone.
alter table tenant enable row level security;
alter table tenant force row level security;
create policy tenant_all on tenant using (true) with check (true);
alter table head enable row level security;
alter table head force row level security;
create policy head_tenant on head
    using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
alter table change enable row level security;
alter table change force row level security;
create policy change_tenant on change
    using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
alter table calendar enable row level security;
alter table calendar force row level security;
create policy calendar_tenant on calendar
    using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
alter table api_key enable row level security;
alter table api_key force row level security;
create policy api_key_tenant on api_key
    using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
alter table payee enable row level security;
alter table payee force row level security;
create policy payee_tenant on payee
    using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
alter table assignment enable row level security;
alter table assignment force row level security;
create policy assignment_tenant on assignment
    using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
alter table measure enable row level security;
alter table measure force row level security;
create policy measure_tenant on measure
    using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
alter table quota enable row level security;
alter table quota force row level security;
create policy quota_tenant on quota
    using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
alter table plan_version enable row level security;
alter table plan_version force row level security;
create policy plan_version_tenant on plan_version
    using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
alter table deal enable row level security;
alter table deal force row level security;
create policy deal_tenant on deal
    using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
alter table deal_event enable row level security;
alter table deal_event force row level security;
create policy deal_event_tenant on deal_event
    using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
alter table rejected_row enable row level security;
alter table rejected_row force row level security;
create policy rejected_row_tenant on rejected_row
    using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
alter table period_close enable row level security;
alter table period_close force row level security;
create policy period_close_tenant on period_close
    using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
alter table posting enable row level security;
alter table posting force row level security;
create policy posting_tenant on posting
    using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
alter table statement_part enable row level security;
alter table statement_part force row level security;
create policy statement_part_tenant on statement_part
    using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
