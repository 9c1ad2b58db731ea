{{ unpack_records('loading', {'component': 'varchar', 'feature': 'varchar', 'loading': 'double'}) }}
