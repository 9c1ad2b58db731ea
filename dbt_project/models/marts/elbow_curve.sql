with

curve as (

    {{ unpack_records('curve', {
        'k': 'integer', 'inertia': 'double', 'silhouette': 'double', 'davies_bouldin': 'double',
        'calinski_harabasz': 'double', 'gap': 'double', 'gap_error': 'double', 'stability': 'double',
        'is_elbow': 'boolean', 'is_chosen': 'boolean',
    }) }}

)

select * from curve
order by k
