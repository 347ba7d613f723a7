from quality import step_tables


def model(dbt, session):
    return step_tables.stepped(
        session,
        dbt.this,
        dbt.ref("int_attribution__touch_credits"),
        dbt.ref("int_orders__segments"),
        dbt.ref("int_privacy__rules"),
    )
