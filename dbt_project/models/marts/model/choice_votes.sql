{{ learned('votes') }}
