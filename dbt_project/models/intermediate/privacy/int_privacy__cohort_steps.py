from quality import divisions


def model(dbt, session):
    return divisions.cohorts(session, dbt.this, dbt.ref("int_payback__order_credits"), dbt.ref("int_privacy__rules"))
