-- The first current fact that names what does not exist.
select noun as "noun!", key as "key!", missing as "missing!", added_in as "added_in!"
from (
    select 'deal' as noun, d.deal_id as key, 'payee ' || named.payee_id as missing, d.added_in
    from deal d cross join unnest(d.owner_id || d.split_payee_ids) as named (payee_id)
    where d.tenant_id = $1 and d.removed_in is null and not exists (
        select from payee p where p.tenant_id = $1 and p.payee_id = named.payee_id and p.removed_in is null)
    union all
    select 'deal_event', e.deal_id || ' ' || e.event_id, 'deal ' || e.deal_id, e.added_in
    from deal_event e
    where e.tenant_id = $1 and e.removed_in is null and not exists (
        select from deal d where d.tenant_id = $1 and d.deal_id = e.deal_id and d.removed_in is null)
    union all
    select 'assignment', a.payee_id || ' ' || a.start_date, 'payee ' || named.payee_id, a.added_in
    from assignment a cross join unnest(array[a.payee_id, a.manager_id]) as named (payee_id)
    where a.tenant_id = $1 and a.removed_in is null and named.payee_id is not null and not exists (
        select from payee p where p.tenant_id = $1 and p.payee_id = named.payee_id and p.removed_in is null)
    union all
    select 'assignment', a.payee_id || ' ' || a.start_date, 'plan ' || a.plan_id, a.added_in
    from assignment a
    where a.tenant_id = $1 and a.removed_in is null and a.plan_id is not null and not exists (
        select from plan_version v where v.tenant_id = $1 and v.plan_id = a.plan_id and v.removed_in is null)
    union all
    select 'quota', q.payee_id || ' ' || q.measure_id || ' ' || q.window_id, 'payee ' || q.payee_id, q.added_in
    from quota q
    where q.tenant_id = $1 and q.removed_in is null and not exists (
        select from payee p where p.tenant_id = $1 and p.payee_id = q.payee_id and p.removed_in is null)
    union all
    select 'quota', q.payee_id || ' ' || q.measure_id || ' ' || q.window_id, 'measure ' || q.measure_id, q.added_in
    from quota q
    where q.tenant_id = $1 and q.removed_in is null and not exists (
        select from measure m where m.tenant_id = $1 and m.measure_id = q.measure_id and m.removed_in is null)
    union all
    select 'quota', q.payee_id || ' ' || q.measure_id || ' ' || q.window_id, 'measure ' || q.reports_measure_id, q.added_in
    from quota q
    where q.tenant_id = $1 and q.removed_in is null and q.reports_measure_id is not null and not exists (
        select from measure m where m.tenant_id = $1 and m.measure_id = q.reports_measure_id and m.removed_in is null)
    union all
    -- Found in the text from its start on, for payees that it names may be called as its fields are.
    select 'quota_proposal', q.proposal_id, 'payee ' || t[1], q.added_in
    from quota_proposal q cross join regexp_match(q.body, '^\{"terms":\{"root":"([^"]+)"') as t
    where q.tenant_id = $1 and q.removed_in is null and t is not null and not exists (
        select from payee p where p.tenant_id = $1 and p.payee_id = t[1] and p.removed_in is null)
    union all
    select 'quota_proposal', q.proposal_id, 'measure ' || named.measure_id, q.added_in
    from quota_proposal q
    cross join regexp_match(q.body, '^\{"terms":\{"root":"[^"]+","measure":"([^"]+)","team_measure":(?:null|"([^"]+)")') as t
    cross join regexp_match(q.body, '"history":\{"measure":"([^"]+)"') as h
    cross join unnest(t || h) as named (measure_id)
    where q.tenant_id = $1 and q.removed_in is null and named.measure_id is not null and not exists (
        select from measure m where m.tenant_id = $1 and m.measure_id = named.measure_id and m.removed_in is null)
    union all
    select 'proposal_figure', f.proposal_id || ' ' || f.payee_id, 'proposal ' || f.proposal_id, f.added_in
    from proposal_figure f
    where f.tenant_id = $1 and f.removed_in is null and not exists (
        select from quota_proposal q
        where q.tenant_id = $1 and q.proposal_id = f.proposal_id and q.removed_in is null)
    union all
    select 'proposal_figure', f.proposal_id || ' ' || f.payee_id, 'payee ' || named.payee_id, f.added_in
    from proposal_figure f cross join unnest(array[f.payee_id, f.manager_id]) as named (payee_id)
    where f.tenant_id = $1 and f.removed_in is null and named.payee_id is not null and not exists (
        select from payee p where p.tenant_id = $1 and p.payee_id = named.payee_id and p.removed_in is null)
    union all
    select 'outside_value', o.payee_id || ' ' || o.measure_id || ' ' || o.value_date, 'payee ' || o.payee_id, o.added_in
    from outside_value o
    where o.tenant_id = $1 and o.removed_in is null and not exists (
        select from payee p where p.tenant_id = $1 and p.payee_id = o.payee_id and p.removed_in is null)
    union all
    select 'outside_value', o.payee_id || ' ' || o.measure_id || ' ' || o.value_date, 'outside measure ' || o.measure_id,
        o.added_in
    from outside_value o
    where o.tenant_id = $1 and o.removed_in is null and not exists (
        select from measure m where m.tenant_id = $1 and m.measure_id = o.measure_id and m.removed_in is null
            and m.combine is not null)
    union all
    -- Found in the text, which an edit may have left no JSON; ids have nothing to escape.
    select 'territory', t.territory_id, 'payee ' || h[1], t.added_in
    from territory t cross join regexp_matches(t.holders, '"payee":"([^"]+)"', 'g') as h
    where t.tenant_id = $1 and t.removed_in is null and not exists (
        select from payee p where p.tenant_id = $1 and p.payee_id = h[1] and p.removed_in is null)
    union all
    select 'crediting_rule', r.rule_id, 'payee ' || c[1], r.added_in
    from crediting_rule r cross join regexp_matches(r.credits, '"PAYEE":"([^"]+)"', 'g') as c
    where r.tenant_id = $1 and r.removed_in is null and not exists (
        select from payee p where p.tenant_id = $1 and p.payee_id = c[1] and p.removed_in is null)
    union all
    select 'crediting_rule', r.rule_id, 'territory ' || c[1], r.added_in
    from crediting_rule r cross join regexp_matches(r.credits, '"HOLDER":"([^"]+)"', 'g') as c
    where r.tenant_id = $1 and r.removed_in is null and not exists (
        select from territory t where t.tenant_id = $1 and t.territory_id = c[1] and t.removed_in is null)
    union all
    select 'api_key', k.key_id, 'payee ' || k.payee_id, k.added_in
    from api_key k
    where k.tenant_id = $1 and k.removed_in is null and k.payee_id is not null and not exists (
        select from payee p where p.tenant_id = $1 and p.payee_id = k.payee_id and p.removed_in is null)
) as orphans
order by added_in, noun, key, missing
limit 1
