from quality import cell_tables


def model(dbt, session):
    cells = cell_tables.by_segment(
        dbt.ref("int_attribution__touch_credits"),
        dbt.ref("int_orders__segments"),
        dbt.ref("int_privacy__monthly_cells"),
        dbt.ref("int_privacy__rules"),
    )
    return cell_tables.carried_on(session, dbt.this, cells)
