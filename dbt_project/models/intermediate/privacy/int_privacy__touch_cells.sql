{{ cells_of('date', 'touch_level', 'touched_on', 'spend_on', 'in_touch_window') }}
