"""From the landing zone to a region's raw tables and books; nothing personal passes."""
