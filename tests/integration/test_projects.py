import pytest,time
def test_a(jaffle_shop):
    p=jaffle_shop
    r=p.dbt("build", exit_code=0)
    print(r.stdout[-200:]); 
    p.set_switch("orders",seconds=3)
    r=p.dbt("build",exit_code=1)
    print([(x['unique_id'],x["execution_time"]) for x in p.run_results()['results'] if x["execution_time"]>1])
    p.clear_switches()
    r=p.dbt("retry",exit_code=0)
    print(r.stdout[-200:])
    print(p.fetch("select command, results from control.invocations"))
