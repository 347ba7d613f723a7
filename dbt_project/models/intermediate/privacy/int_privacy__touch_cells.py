from quality import cell_tables


def model(dbt, session):
    cells = cell_tables.by_touch(
        dbt.ref("int_attribution__credits"), dbt.ref("int_privacy__monthly_cells"), dbt.ref("int_privacy__rules")
    )
    return session.from_arrow(cells)  # a relation, as a second run finds it only on this cursor
