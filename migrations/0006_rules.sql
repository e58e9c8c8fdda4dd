-- Measures that count numbers, quotas in full, and plans being written.
alter table measure add column step numeric(18, 6);

-- The goal is one of amount, units and the sum of the reports' quotas of a measure. Seasonality, ramp and reliefs are
-- JSON text; a proration that is absent is by days.
alter table quota alter column amount drop not null;
alter table quota add column units numeric(18, 6);
alter table quota add column reports_measure_id text collate "C";
alter table quota add column seasonality text;
alter table quota add column ramp text;
alter table quota add column proration text collate "C";
alter table quota add column reliefs text;

-- The body is the plan's message as JSON text, which need not be a plan yet.
create table plan_draft (
    tenant_id uuid not null,
    draft_id text collate "C" not null,
    effective_from text collate "C",
    body text not null,
    digest bytea not null,
    added_in bigint not null,
    removed_in bigint,
    constraint plan_draft_pkey primary key (tenant_id, draft_id, added_in)
);
create unique index plan_draft_current on plan_draft (tenant_id, draft_id) where removed_in is null;
create index plan_draft_added on plan_draft (tenant_id, added_in);
create index plan_draft_removed on plan_draft (tenant_id, removed_in) where removed_in is not null;
grant select, insert on plan_draft to attain_service;
grant update (removed_in) on plan_draft to attain_service;
alter table plan_draft enable row level security;
alter table plan_draft force row level security;
create policy plan_draft_tenant on plan_draft
    using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
