with

networks as (

    {{ learned('autoencoders') }}

),

run as (

    {{ learned('run') }}

),

ranked as (

    -- The network that KMeans saw, where it saw one, else the one that rebuilds best.
    select
        networks.*,
        row_number() over (
            order by
                networks.is_of_model_scaling desc, networks.autoencoder = run.representation desc,
                networks.mse asc, networks.autoencoder asc
        ) as place
    from networks
    cross join run

)

select
    autoencoder,
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
