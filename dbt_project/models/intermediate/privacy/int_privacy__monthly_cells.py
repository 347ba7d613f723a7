from quality import cell_tables


def model(dbt, session):
    cells = cell_tables.monthly(dbt.ref("int_attribution__touch_credits"), dbt.ref("int_privacy__rules"))
    return cell_tables.carried_on(session, dbt.this, cells)
