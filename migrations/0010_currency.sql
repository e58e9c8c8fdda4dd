-- Rates of exchange: base units for one unit of a currency from a day on. Quotas, and closes, in several currencies.
create table exchange_rate (
    tenant_id uuid not null,
    currency text collate "C" not null,
    rate_date date not null,
    rate numeric(18, 10) not null,
    digest bytea not null,
    added_in bigint not null,
    removed_in bigint,
    constraint exchange_rate_pkey primary key (tenant_id, currency, rate_date, added_in)
);
create unique index exchange_rate_current on exchange_rate (tenant_id, currency, rate_date) where removed_in is null;
create index exchange_rate_added on exchange_rate (tenant_id, added_in);
create index exchange_rate_removed on exchange_rate (tenant_id, removed_in) where removed_in is not null;
grant select, insert on exchange_rate to attain_service;
grant update (removed_in) on exchange_rate to attain_service;
alter table exchange_rate enable row level security;
alter table exchange_rate force row level security;
create policy exchange_rate_tenant on exchange_rate
    using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));

-- The currency of a quota's money; absent: the tenant's.
alter table quota add column currency text collate "C";

-- What a close comes to, by currency: two arrays of one length.
alter table period_close alter column earned type numeric(28, 3)[] using array[earned];
alter table period_close alter column currency type text[] collate "C" using array[currency];
alter table period_close rename column currency to currencies;
