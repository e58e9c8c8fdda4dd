-- Texts of CEL, checked when they are saved: which credits a measure counts, and what it counts of them, in MONEY or as
-- a NUMBER.
alter table measure add column condition text;
alter table measure add column expression text;
alter table measure add column expression_unit text collate "C";
