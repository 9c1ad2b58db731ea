{{ unpack_records('candidate', {
    'model_id': 'varchar', 'scaling': 'varchar', 'representation': 'varchar', 'k': 'integer',
    'inertia': 'double', 'silhouette': 'double', 'davies_bouldin': 'double', 'calinski_harabasz': 'double',
    'stability': 'double', 'smallest_segment': 'bigint', 'is_elbow': 'boolean', 'is_chosen': 'boolean',
    'reason': 'varchar',
}) }}
