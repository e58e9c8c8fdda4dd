-- Facts are never overwritten: a row says which change added it and which superseded it. `digest` is the
-- row's part of its change's hash; `salt` hides personal data in it.
create table calendar (
    tenant_id uuid not null,
    currency text collate "C" not null,
    zone text collate "C" not null,
    fiscal_first_month smallint not null,
    rounding text collate "C" not null,
    first_period text collate "C" not null,
    digest bytea not null,
    added_in bigint not null,
    removed_in bigint,
    constraint calendar_pkey primary key (tenant_id, added_in)
);
create unique index calendar_current on calendar (tenant_id) where removed_in is null;
create index calendar_removed on calendar (tenant_id, removed_in) where removed_in is not null;

create table api_key (
    tenant_id uuid not null,
    key_id text collate "C" not null,
    role text collate "C" not null,
    payee_id text collate "C",
    label text,
    secret_hash bytea not null,
    revoked boolean not null,
    salt bytea,
    digest bytea not null,
    added_in bigint not null,
    removed_in bigint,
    constraint api_key_pkey primary key (tenant_id, key_id, added_in)
);
create unique index api_key_current on api_key (tenant_id, key_id) where removed_in is null;
create index api_key_added on api_key (tenant_id, added_in);
create index api_key_removed on api_key (tenant_id, removed_in) where removed_in is not null;

create table payee (
    tenant_id uuid not null,
    payee_id text collate "C" not null,
    kind text collate "C" not null,
    name text,
    email text,
    salt bytea,
    digest bytea not null,
    added_in bigint not null,
    removed_in bigint,
    constraint payee_pkey primary key (tenant_id, payee_id, added_in)
);
create unique index payee_current on payee (tenant_id, payee_id) where removed_in is null;
create index payee_added on payee (tenant_id, added_in);
create index payee_removed on payee (tenant_id, removed_in) where removed_in is not null;

create table assignment (
    tenant_id uuid not null,
    payee_id text collate "C" not null,
    start_date date not null,
    end_date date,
    title text,
    manager_id text collate "C",
    territory_id text collate "C",
    plan_id text collate "C",
    target_incentive numeric(18, 3),
    currency text collate "C" not null,
    digest bytea not null,
    added_in bigint not null,
    removed_in bigint,
    constraint assignment_pkey primary key (tenant_id, payee_id, start_date, added_in)
);
create unique index assignment_current on assignment (tenant_id, payee_id, start_date) where removed_in is null;
create index assignment_added on assignment (tenant_id, added_in);
create index assignment_removed on assignment (tenant_id, removed_in) where removed_in is not null;

create table measure (
    tenant_id uuid not null,
    measure_id text collate "C" not null,
    name text not null,
    event_kind text collate "C" not null,
    credit_kind text collate "C" not null,
    levels integer not null,
    roles text[] collate "C" not null,
    value_kind text collate "C" not null,
    digest bytea not null,
    added_in bigint not null,
    removed_in bigint,
    constraint measure_pkey primary key (tenant_id, measure_id, added_in)
);
create unique index measure_current on measure (tenant_id, measure_id) where removed_in is null;
create index measure_added on measure (tenant_id, added_in);
create index measure_removed on measure (tenant_id, removed_in) where removed_in is not null;

create table quota (
    tenant_id uuid not null,
    payee_id text collate "C" not null,
    measure_id text collate "C" not null,
    window_id text collate "C" not null,
    amount numeric(18, 3) not null,
    digest bytea not null,
    added_in bigint not null,
    removed_in bigint,
    constraint quota_pkey primary key (tenant_id, payee_id, measure_id, window_id, added_in)
);
create unique index quota_current on quota (tenant_id, payee_id, measure_id, window_id) where removed_in is null;
create index quota_added on quota (tenant_id, added_in);
create index quota_removed on quota (tenant_id, removed_in) where removed_in is not null;

-- The body is the plan as JSON text; versions never change, so a row is never superseded.
create table plan_version (
    tenant_id uuid not null,
    plan_id text collate "C" not null,
    version integer not null,
    effective_from text collate "C" not null,
    body text not null,
    digest bytea not null,
    added_in bigint not null,
    removed_in bigint,
    constraint plan_version_pkey primary key (tenant_id, plan_id, version, added_in)
);
create unique index plan_version_current on plan_version (tenant_id, plan_id, version) where removed_in is null;
create index plan_version_added on plan_version (tenant_id, added_in);
create index plan_version_removed on plan_version (tenant_id, removed_in) where removed_in is not null;

-- A deal is one fact with its splits, three arrays of one length.
create table deal (
    tenant_id uuid not null,
    deal_id text collate "C" not null,
    name text,
    owner_id text collate "C" not null,
    customer_id text collate "C",
    customer_name text,
    product_id text collate "C",
    currency text collate "C" not null,
    amount numeric(18, 3),
    cost numeric(18, 3),
    quantity numeric(18, 6),
    stage text,
    outcome text collate "C" not null,
    probability numeric(9, 6),
    open_date date,
    close_date date,
    attributes text,
    split_payee_ids text[] collate "C" not null,
    split_roles text[] collate "C" not null,
    split_percents numeric(9, 6)[] not null,
    salt bytea,
    digest bytea not null,
    added_in bigint not null,
    removed_in bigint,
    constraint deal_pkey primary key (tenant_id, deal_id, added_in)
);
create unique index deal_current on deal (tenant_id, deal_id) where removed_in is null;
create index deal_added on deal (tenant_id, added_in);
create index deal_removed on deal (tenant_id, removed_in) where removed_in is not null;

-- What a reversal takes back: two arrays of one length; a null amount takes back what is left.
create table deal_event (
    tenant_id uuid not null,
    deal_id text collate "C" not null,
    event_id text collate "C" not null,
    kind text collate "C" not null,
    event_date date not null,
    amount numeric(18, 3),
    cost numeric(18, 3),
    quantity numeric(18, 6),
    reversed_ids text[] collate "C" not null,
    reversed_amounts numeric(18, 3)[] not null,
    digest bytea not null,
    added_in bigint not null,
    removed_in bigint,
    constraint deal_event_pkey primary key (tenant_id, deal_id, event_id, added_in)
);
create unique index deal_event_current on deal_event (tenant_id, deal_id, event_id) where removed_in is null;
create index deal_event_added on deal_event (tenant_id, added_in);
create index deal_event_removed on deal_event (tenant_id, removed_in) where removed_in is not null;
create index deal_event_date on deal_event (tenant_id, event_date);

-- Rows of an import that were set aside, with every reason. Kept for good: nothing is silently dropped.
create table rejected_row (
    tenant_id uuid not null,
    added_in bigint not null,
    row_number bigint not null,
    source text not null,
    reasons text[] not null,
    raw text,
    salt bytea,
    digest bytea not null,
    removed_in bigint,
    constraint rejected_row_pkey primary key (tenant_id, added_in, row_number)
);
create index rejected_row_removed on rejected_row (tenant_id, removed_in) where removed_in is not null;
