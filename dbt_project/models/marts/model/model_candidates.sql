{{ learned('candidates') }}
