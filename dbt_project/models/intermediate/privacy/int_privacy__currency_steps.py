from quality import divisions


def model(dbt, session):
    return divisions.currencies(session, dbt.this, dbt.ref("int_orders__conversions"), dbt.ref("int_privacy__rules"))
