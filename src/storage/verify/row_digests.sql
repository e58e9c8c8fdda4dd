-- What each change recorded of its rows (0), then the digests of the rows it added (1), superseded (2) and took
-- personal data out of (3), in the order in which they are hashed.
select number as "number!", sign as "sign!", digest as "digest!"
from (
    select number, 0 as sign, rows_digest as digest from change where tenant_id = $1
    union all select added_in, 1, digest from calendar where tenant_id = $1
    union all select removed_in, 2, digest from calendar where tenant_id = $1 and removed_in is not null
    union all select added_in, 1, digest from api_key where tenant_id = $1
    union all select removed_in, 2, digest from api_key where tenant_id = $1 and removed_in is not null
    union all select added_in, 1, digest from payee where tenant_id = $1
    union all select removed_in, 2, digest from payee where tenant_id = $1 and removed_in is not null
    union all select added_in, 1, digest from assignment where tenant_id = $1
    union all select removed_in, 2, digest from assignment where tenant_id = $1 and removed_in is not null
    union all select added_in, 1, digest from measure where tenant_id = $1
    union all select removed_in, 2, digest from measure where tenant_id = $1 and removed_in is not null
    union all select added_in, 1, digest from quota where tenant_id = $1
    union all select removed_in, 2, digest from quota where tenant_id = $1 and removed_in is not null
    union all select added_in, 1, digest from outside_value where tenant_id = $1
    union all select removed_in, 2, digest from outside_value where tenant_id = $1 and removed_in is not null
    union all select added_in, 1, digest from territory where tenant_id = $1
    union all select removed_in, 2, digest from territory where tenant_id = $1 and removed_in is not null
    union all select added_in, 1, digest from crediting_rule where tenant_id = $1
    union all select removed_in, 2, digest from crediting_rule where tenant_id = $1 and removed_in is not null
    union all select added_in, 1, digest from plan_version where tenant_id = $1
    union all select removed_in, 2, digest from plan_version where tenant_id = $1 and removed_in is not null
    union all select added_in, 1, digest from plan_draft where tenant_id = $1
    union all select removed_in, 2, digest from plan_draft where tenant_id = $1 and removed_in is not null
    union all select added_in, 1, digest from quota_proposal where tenant_id = $1
    union all select removed_in, 2, digest from quota_proposal where tenant_id = $1 and removed_in is not null
    union all select added_in, 1, digest from proposal_figure where tenant_id = $1
    union all select removed_in, 2, digest from proposal_figure where tenant_id = $1 and removed_in is not null
    union all select added_in, 1, digest from exchange_rate where tenant_id = $1
    union all select removed_in, 2, digest from exchange_rate where tenant_id = $1 and removed_in is not null
    union all select added_in, 1, digest from deal where tenant_id = $1
    union all select removed_in, 2, digest from deal where tenant_id = $1 and removed_in is not null
    union all select added_in, 1, digest from deal_event where tenant_id = $1
    union all select removed_in, 2, digest from deal_event where tenant_id = $1 and removed_in is not null
    union all select added_in, 1, digest from rejected_row where tenant_id = $1
    union all select removed_in, 2, digest from rejected_row where tenant_id = $1 and removed_in is not null
    union all select added_in, 1, digest from period_close where tenant_id = $1
    union all select added_in, 1, digest from posting where tenant_id = $1
    union all select added_in, 1, digest from statement_part where tenant_id = $1
    union all select added_in, 1, digest from rules_acceptance where tenant_id = $1
    union all select erased_in, 3, digest from payee where tenant_id = $1 and erased_in is not null
    union all select erased_in, 3, digest from deal where tenant_id = $1 and erased_in is not null
    union all select erased_in, 3, digest from api_key where tenant_id = $1 and erased_in is not null
    union all select erased_in, 3, digest from rejected_row where tenant_id = $1 and erased_in is not null
    union all select erased_in, 3, hash from change where tenant_id = $1 and erased_in is not null
) as entries
order by number, sign, digest
