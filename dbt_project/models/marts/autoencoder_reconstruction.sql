with

errors as (

    {{ unpack_records('reconstruction', {
        'name': 'varchar', 'feature': 'varchar', 'mse': 'double', 'pca_mse': 'double',
    }) }}

)

select
    name as autoencoder,
    feature,
    mse,
    pca_mse
from errors
