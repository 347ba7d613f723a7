{{ cells_of('date', 'day_level', 'ordered_on', 'spend_on', 'in_window_months') }}
