{{ unpack_records('candidate', {
    'model_id': 'varchar', 'scaling': 'varchar', 'representation': 'varchar', 'k': 'integer',
    'inertia': 'double', 'silhouette': 'double', 'davies_bouldin': 'double', 'calinski_harabasz': 'double',
    'stability': 'double', 'mean_jaccard': 'double', 'adjusted_rand': 'double', 'resamples': 'integer',
    'tree_accuracy': 'double', 'seed_agreement': 'double', 'smallest_segment': 'bigint',
    'smallest_share': 'double', 'seconds': 'double', 'is_valid': 'boolean', 'is_chosen': 'boolean',
    'reason': 'varchar',
}) }}
