{{ learned('encoder_layers') }}
