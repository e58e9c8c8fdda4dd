-- Proposals of quotas. What a proposal says but for its figures is JSON text, as is how a figure came about. A
-- territory's potential is what there is to be sold in it.
alter table territory add column potential numeric(21, 6);

create table quota_proposal (
    tenant_id uuid not null,
    proposal_id text collate "C" not null,
    body text not null,
    digest bytea not null,
    added_in bigint not null,
    removed_in bigint,
    constraint quota_proposal_pkey primary key (tenant_id, proposal_id, added_in)
);
create unique index quota_proposal_current on quota_proposal (tenant_id, proposal_id) where removed_in is null;
create index quota_proposal_added on quota_proposal (tenant_id, added_in);
create index quota_proposal_removed on quota_proposal (tenant_id, removed_in) where removed_in is not null;
grant select, insert on quota_proposal to attain_service;
grant update (removed_in) on quota_proposal to attain_service;
alter table quota_proposal enable row level security;
alter table quota_proposal force row level security;
create policy quota_proposal_tenant on quota_proposal
    using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));

create table proposal_figure (
    tenant_id uuid not null,
    proposal_id text collate "C" not null,
    payee_id text collate "C" not null,
    manager_id text collate "C",
    level integer not null,
    amount numeric(21, 6) not null,
    made text not null,
    digest bytea not null,
    added_in bigint not null,
    removed_in bigint,
    constraint proposal_figure_pkey primary key (tenant_id, proposal_id, payee_id, added_in)
);
create unique index proposal_figure_current on proposal_figure (tenant_id, proposal_id, payee_id)
    where removed_in is null;
create index proposal_figure_added on proposal_figure (tenant_id, added_in);
create index proposal_figure_removed on proposal_figure (tenant_id, removed_in) where removed_in is not null;
grant select, insert on proposal_figure to attain_service;
grant update (removed_in) on proposal_figure to attain_service;
alter table proposal_figure enable row level security;
alter table proposal_figure force row level security;
create policy proposal_figure_tenant on proposal_figure
    using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
