{{ config(enabled = env_var('SHOP_SLOW', 'no') == 'yes') }}
-- depends_on: {{ ref('before_slow') }}
-- As slow as the number in the file is large.
select count(*) as n
from read_csv('{{ env_var("SHOP_FILES") }}/effort.csv', columns = {'n': 'bigint'}) as effort, range(effort.n) as a, range(effort.n) as b
where hash(a.range, b.range) <> effort.n
