-- This file is delivered late on some nights.
select * from read_csv('{{ env_var("SHOP_FILES", "files") }}/payments.csv', columns = {'order_id': 'int', 'paid': 'int'})
