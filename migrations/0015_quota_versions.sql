-- What a version of a quota was written for, where it was an adjustment; why is the reason of its change.
alter table quota add column adjustment text collate "C";
