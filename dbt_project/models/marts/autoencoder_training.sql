with

epochs as (

    {{ unpack_records('epoch', {
        'name': 'varchar', 'epoch': 'integer', 'loss': 'double', 'val_loss': 'double',
    }) }}

)

select
    name as autoencoder,
    epoch,
    loss,
    val_loss as held_out_loss
from epochs
