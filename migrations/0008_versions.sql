-- Which state of a fact in its source a row holds; absent where the source does not say.
alter table deal add column source_version bigint;
alter table deal_event add column source_version bigint;
alter table payee add column source_version bigint;
