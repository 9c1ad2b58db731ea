with

networks as (

    {{ unpack_records('autoencoder', {
        'name': 'varchar', 'scaling': 'varchar', 'is_of_model_scaling': 'boolean', 'codes': 'integer',
        'units': 'integer', 'dead_units': 'integer', 'weights': 'integer', 'epochs': 'integer', 'mse': 'double',
        'pca_mse': 'double', 'seconds': 'double',
    }) }}

),

runs as (

    {{ unpack_records('run', {'representation': 'varchar'}) }}

),

ranked as (

    -- The network that KMeans saw, where it saw one, else the one that rebuilds best.
    select
        networks.*,
        row_number() over (
            order by
                networks.is_of_model_scaling desc, networks.name = runs.representation desc,
                networks.mse asc, networks.name asc
        ) as place
    from networks
    cross join runs

)

select
    name as autoencoder,
    scaling,

    codes,
    units,
    dead_units,
    weights,
    epochs,
    mse,
    pca_mse,
    seconds,

    is_of_model_scaling and place = 1 as is_lead
from ranked
