with

layers as (

    {{ unpack_records('encoder', {
        'model_id': 'varchar', 'name': 'varchar', 'part': 'varchar', 'layer': 'integer', 'activation': 'varchar',
        'inputs': 'integer', 'outputs': 'integer', 'bias': 'varchar', 'weights': 'varchar',
    }) }}

)

select
    model_id,
    name as autoencoder,
    part,
    layer,

    activation,
    inputs,
    outputs,
    bias,
    weights
from layers
