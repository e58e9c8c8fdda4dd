-- Territories with their dated holders, and the rules by which deals without splits are credited. Holders and credits
-- are JSON text. A rule counts for events of the days from `start_date` to before `end_date`, in the order of `place`.
create table territory (
    tenant_id uuid not null,
    territory_id text collate "C" not null,
    name text not null,
    holders text not null,
    digest bytea not null,
    added_in bigint not null,
    removed_in bigint,
    constraint territory_pkey primary key (tenant_id, territory_id, added_in)
);
create unique index territory_current on territory (tenant_id, territory_id) where removed_in is null;
create index territory_added on territory (tenant_id, added_in);
create index territory_removed on territory (tenant_id, removed_in) where removed_in is not null;
grant select, insert on territory to attain_service;
grant update (removed_in) on territory to attain_service;
alter table territory enable row level security;
alter table territory force row level security;
create policy territory_tenant on territory
    using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));

create table crediting_rule (
    tenant_id uuid not null,
    rule_id text collate "C" not null,
    place integer not null,
    name text not null,
    start_date date not null,
    end_date date,
    condition text,
    credits text not null,
    digest bytea not null,
    added_in bigint not null,
    removed_in bigint,
    constraint crediting_rule_pkey primary key (tenant_id, rule_id, added_in)
);
create unique index crediting_rule_current on crediting_rule (tenant_id, rule_id) where removed_in is null;
create index crediting_rule_added on crediting_rule (tenant_id, added_in);
create index crediting_rule_removed on crediting_rule (tenant_id, removed_in) where removed_in is not null;
grant select, insert on crediting_rule to attain_service;
grant update (removed_in) on crediting_rule to attain_service;
alter table crediting_rule enable row level security;
alter table crediting_rule force row level security;
create policy crediting_rule_tenant on crediting_rule
    using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
