from quality import divisions


def model(dbt, session):
    return divisions.fates(session, dbt.this, dbt.ref("int_orders__fates"), dbt.ref("int_privacy__rules"))
