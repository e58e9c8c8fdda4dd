-- Erasing personal data: a value and its salt go, and the salted hash that the row's digest is made of is kept in
-- `erased`, by field, so that the rest of the row stays proven. `erased_in` is the change that erased it; that
-- change's hash is made over the row, so nothing is erased behind the journal's back.
alter table payee add column erased bytea[];
alter table payee add column erased_in bigint;
alter table payee add constraint payee_erased_check check (
    (erased is null) = (erased_in is null)
    and (erased is null or (name is null and email is null and salt is null)));
create index payee_erased on payee (tenant_id, erased_in) where erased_in is not null;
grant update (name, email, salt, erased, erased_in) on payee to attain_service;

alter table deal add column erased bytea[];
alter table deal add column erased_in bigint;
alter table deal add constraint deal_erased_check check (
    (erased is null) = (erased_in is null)
    and (erased is null or (name is null and customer_name is null and salt is null)));
create index deal_erased on deal (tenant_id, erased_in) where erased_in is not null;
grant update (name, customer_name, salt, erased, erased_in) on deal to attain_service;

alter table api_key add column erased bytea[];
alter table api_key add column erased_in bigint;
alter table api_key add constraint api_key_erased_check check (
    (erased is null) = (erased_in is null)
    and (erased is null or (label is null and salt is null)));
create index api_key_erased on api_key (tenant_id, erased_in) where erased_in is not null;
grant update (label, salt, erased, erased_in) on api_key to attain_service;

-- The reasons quote the row as it came, and a source is free text: both are personal.
alter table rejected_row alter column source drop not null;
alter table rejected_row add column erased bytea[];
alter table rejected_row add column erased_in bigint;
alter table rejected_row add constraint rejected_row_erased_check check (
    (erased is null) = (erased_in is null)
    and (erased is null or (source is null and reasons = '{}' and raw is null and salt is null)));
create index rejected_row_erased on rejected_row (tenant_id, erased_in) where erased_in is not null;
grant update (source, reasons, raw, salt, erased, erased_in) on rejected_row to attain_service;

-- A change keeps the salted hash of its reason from the start.
alter table change add column erased_in bigint;
alter table change add constraint change_erased_check check (
    erased_in is null or (reason is null and reason_salt is null));
create index change_erased on change (tenant_id, erased_in) where erased_in is not null;
grant update (reason, reason_salt, erased_in) on change to attain_service;

-- Rules of another revision move closed periods only after somebody has accepted what they move.
create table rules_acceptance (
    tenant_id uuid not null,
    rules_revision integer not null,
    digest bytea not null,
    added_in bigint not null,
    constraint rules_acceptance_pkey primary key (tenant_id, added_in)
);
grant select, insert on rules_acceptance to attain_service;
alter table rules_acceptance enable row level security;
alter table rules_acceptance force row level security;
create policy rules_acceptance_tenant on rules_acceptance
    using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
