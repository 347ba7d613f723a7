{{ cells_of('month', 'month_level', month_of('ordered_on'), month_of('spend_on'), 'in_window_months') }}
