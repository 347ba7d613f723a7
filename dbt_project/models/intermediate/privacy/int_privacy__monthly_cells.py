from quality import cell_tables


def model(dbt, session):
    return cell_tables.monthly(dbt.ref("int_attribution__credits"), dbt.ref("int_privacy__rules"))
