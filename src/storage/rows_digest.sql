-- The rows that change $2 of tenant $1 added (+), superseded (-) and took personal data out of (~), in the order of
-- their bytes.
-- A range, since of an equality the planner believes, where one load wrote nearly every row, that it
-- finds them all, and reads the whole table.
select sha256(coalesce(string_agg(entry, ''::bytea order by entry), ''::bytea)) as "digest!: Digest"
from (
    select '+'::bytea || digest as entry from calendar where tenant_id = $1 and added_in between $2 and $2
    union all select '-'::bytea || digest from calendar where tenant_id = $1 and removed_in between $2 and $2
    union all select '+'::bytea || digest from api_key where tenant_id = $1 and added_in between $2 and $2
    union all select '-'::bytea || digest from api_key where tenant_id = $1 and removed_in between $2 and $2
    union all select '+'::bytea || digest from payee where tenant_id = $1 and added_in between $2 and $2
    union all select '-'::bytea || digest from payee where tenant_id = $1 and removed_in between $2 and $2
    union all select '+'::bytea || digest from assignment where tenant_id = $1 and added_in between $2 and $2
    union all select '-'::bytea || digest from assignment where tenant_id = $1 and removed_in between $2 and $2
    union all select '+'::bytea || digest from measure where tenant_id = $1 and added_in between $2 and $2
    union all select '-'::bytea || digest from measure where tenant_id = $1 and removed_in between $2 and $2
    union all select '+'::bytea || digest from quota where tenant_id = $1 and added_in between $2 and $2
    union all select '-'::bytea || digest from quota where tenant_id = $1 and removed_in between $2 and $2
    union all select '+'::bytea || digest from outside_value where tenant_id = $1 and added_in between $2 and $2
    union all select '-'::bytea || digest from outside_value where tenant_id = $1 and removed_in between $2 and $2
    union all select '+'::bytea || digest from territory where tenant_id = $1 and added_in between $2 and $2
    union all select '-'::bytea || digest from territory where tenant_id = $1 and removed_in between $2 and $2
    union all select '+'::bytea || digest from crediting_rule where tenant_id = $1 and added_in between $2 and $2
    union all select '-'::bytea || digest from crediting_rule where tenant_id = $1 and removed_in between $2 and $2
    union all select '+'::bytea || digest from plan_version where tenant_id = $1 and added_in between $2 and $2
    union all select '-'::bytea || digest from plan_version where tenant_id = $1 and removed_in between $2 and $2
    union all select '+'::bytea || digest from plan_draft where tenant_id = $1 and added_in between $2 and $2
    union all select '-'::bytea || digest from plan_draft where tenant_id = $1 and removed_in between $2 and $2
    union all select '+'::bytea || digest from quota_proposal where tenant_id = $1 and added_in between $2 and $2
    union all select '-'::bytea || digest from quota_proposal where tenant_id = $1 and removed_in between $2 and $2
    union all select '+'::bytea || digest from proposal_figure where tenant_id = $1 and added_in between $2 and $2
    union all select '-'::bytea || digest from proposal_figure where tenant_id = $1 and removed_in between $2 and $2
    union all select '+'::bytea || digest from exchange_rate where tenant_id = $1 and added_in between $2 and $2
    union all select '-'::bytea || digest from exchange_rate where tenant_id = $1 and removed_in between $2 and $2
    union all select '+'::bytea || digest from deal where tenant_id = $1 and added_in between $2 and $2
    union all select '-'::bytea || digest from deal where tenant_id = $1 and removed_in between $2 and $2
    union all select '+'::bytea || digest from deal_event where tenant_id = $1 and added_in between $2 and $2
    union all select '-'::bytea || digest from deal_event where tenant_id = $1 and removed_in between $2 and $2
    union all select '+'::bytea || digest from rejected_row where tenant_id = $1 and added_in between $2 and $2
    union all select '-'::bytea || digest from rejected_row where tenant_id = $1 and removed_in between $2 and $2
    union all select '+'::bytea || digest from period_close where tenant_id = $1 and added_in between $2 and $2
    union all select '+'::bytea || digest from posting where tenant_id = $1 and added_in between $2 and $2
    union all select '+'::bytea || digest from statement_part where tenant_id = $1 and added_in between $2 and $2
    union all select '+'::bytea || digest from rules_acceptance where tenant_id = $1 and added_in between $2 and $2
    union all select '~'::bytea || digest from payee where tenant_id = $1 and erased_in between $2 and $2
    union all select '~'::bytea || digest from deal where tenant_id = $1 and erased_in between $2 and $2
    union all select '~'::bytea || digest from api_key where tenant_id = $1 and erased_in between $2 and $2
    union all select '~'::bytea || digest from rejected_row where tenant_id = $1 and erased_in between $2 and $2
    union all select '~'::bytea || hash from change where tenant_id = $1 and erased_in between $2 and $2
) as entries
