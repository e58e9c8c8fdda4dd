-- What changed after change $2, up to and with $3. Of deals one more than are told is enough to know.
select (exists (select from calendar
        where tenant_id = $1 and added_in > $2 and added_in <= $3)
    or exists (select from calendar
        where tenant_id = $1 and removed_in > $2 and removed_in <= $3)
    or exists (select from payee
        where tenant_id = $1 and added_in > $2 and added_in <= $3)
    or exists (select from payee
        where tenant_id = $1 and removed_in > $2 and removed_in <= $3)
    or exists (select from assignment
        where tenant_id = $1 and added_in > $2 and added_in <= $3)
    or exists (select from assignment
        where tenant_id = $1 and removed_in > $2 and removed_in <= $3)
    or exists (select from measure
        where tenant_id = $1 and added_in > $2 and added_in <= $3)
    or exists (select from measure
        where tenant_id = $1 and removed_in > $2 and removed_in <= $3)
    or exists (select from plan_version
        where tenant_id = $1 and added_in > $2 and added_in <= $3)
    or exists (select from plan_version
        where tenant_id = $1 and removed_in > $2 and removed_in <= $3)
    or exists (select from quota
        where tenant_id = $1 and added_in > $2 and added_in <= $3)
    or exists (select from quota
        where tenant_id = $1 and removed_in > $2 and removed_in <= $3)
    or exists (select from outside_value
        where tenant_id = $1 and added_in > $2 and added_in <= $3)
    or exists (select from outside_value
        where tenant_id = $1 and removed_in > $2 and removed_in <= $3)
    or exists (select from exchange_rate
        where tenant_id = $1 and added_in > $2 and added_in <= $3)
    or exists (select from exchange_rate
        where tenant_id = $1 and removed_in > $2 and removed_in <= $3)
    or exists (select from territory
        where tenant_id = $1 and added_in > $2 and added_in <= $3)
    or exists (select from territory
        where tenant_id = $1 and removed_in > $2 and removed_in <= $3)
    or exists (select from crediting_rule
        where tenant_id = $1 and added_in > $2 and added_in <= $3)
    or exists (select from crediting_rule
        where tenant_id = $1 and removed_in > $2 and removed_in <= $3)) as "terms!",
    (exists (select from api_key
        where tenant_id = $1 and added_in > $2 and added_in <= $3)
    or exists (select from api_key
        where tenant_id = $1 and removed_in > $2 and removed_in <= $3)) as "keys!",
    array(
        (select deal_id from deal
            where tenant_id = $1 and added_in > $2 and added_in <= $3 limit 1001)
        union (select deal_id from deal
            where tenant_id = $1 and removed_in > $2 and removed_in <= $3 limit 1001)
        union (select deal_id from deal_event
            where tenant_id = $1 and added_in > $2 and added_in <= $3 limit 1001)
        union (select deal_id from deal_event
            where tenant_id = $1 and removed_in > $2 and removed_in <= $3 limit 1001)
        order by deal_id
    ) as "deals!"
