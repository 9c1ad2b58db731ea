{{ unpack_records('parameter', {
    'model_id': 'varchar', 'stage': 'varchar', 'component': 'varchar', 'feature': 'varchar', 'value': 'double',
}) }}
