-- Tenants and the journal that is the spine of each: one head row, and numbered changes chained by hashes.
-- A statement ends at a line that ends in a semicolon; each is sent on its own.
create table tenant (
    tenant_id uuid not null,
    slug text collate "C" not null,
    created_time timestamptz not null,
    constraint tenant_pkey primary key (tenant_id),
    constraint tenant_slug_key unique (slug)
);

-- Locking this row orders a tenant's writers. `ledger` is the number of the last change to the ledger.
create table head (
    tenant_id uuid not null,
    number bigint not null,
    hash bytea not null,
    ledger bigint not null,
    constraint head_pkey primary key (tenant_id)
);

create table change (
    tenant_id uuid not null,
    number bigint not null,
    previous_hash bytea not null,
    hash bytea not null,
    time timestamptz not null,
    actor text collate "C" not null,
    rpc text collate "C" not null,
    request_id text collate "C" not null,
    request_digest bytea not null,
    -- Free text is personal data: it enters the hash salted.
    reason text,
    reason_salt bytea,
    reason_digest bytea,
    rows_digest bytea not null,
    answer bytea not null,
    constraint change_pkey primary key (tenant_id, number),
    constraint change_request_key unique (tenant_id, request_id)
);
