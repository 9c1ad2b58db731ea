{{ unpack_records('component', {
    'component': 'varchar', 'explained_variance': 'double', 'explained_variance_share': 'double',
}) }}
