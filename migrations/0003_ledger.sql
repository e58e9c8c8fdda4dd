-- The ledger is append-only: the service's role may insert and read, nothing else.
create table period_close (
    tenant_id uuid not null,
    period text collate "C" not null,
    as_of bigint not null,
    rules_revision integer not null,
    result_digest bytea not null,
    payees bigint not null,
    postings bigint not null,
    earned numeric(28, 3) not null,
    currency text collate "C" not null,
    digest bytea not null,
    added_in bigint not null,
    constraint period_close_pkey primary key (tenant_id, period)
);
create index period_close_added on period_close (tenant_id, added_in);

-- Each row is a double entry: the amount (negative takes back) is debited to one account and credited to another.
create table posting (
    tenant_id uuid not null,
    added_in bigint not null,
    entry bigint not null,
    period text collate "C" not null,
    for_period text collate "C" not null,
    kind text collate "C" not null,
    debit text collate "C" not null,
    credit text collate "C" not null,
    payee_id text collate "C" not null,
    plan_id text collate "C" not null,
    component_id text collate "C" not null,
    window_id text collate "C" not null,
    currency text collate "C" not null,
    amount numeric(28, 3) not null,
    digest bytea not null,
    constraint posting_pkey primary key (tenant_id, added_in, entry),
    constraint posting_amount_check check (amount <> 0 and amount <> 'NaN'),
    constraint posting_accounts_check check (debit <> credit)
);
create index posting_payee on posting (tenant_id, payee_id, for_period);

-- The statement of a payee as it was at the close, in parts of at most 1 MiB of JSON.
create table statement_part (
    tenant_id uuid not null,
    period text collate "C" not null,
    payee_id text collate "C" not null,
    part integer not null,
    body text not null,
    digest bytea not null,
    added_in bigint not null,
    constraint statement_part_pkey primary key (tenant_id, period, payee_id, part)
);
create index statement_part_added on statement_part (tenant_id, added_in);
