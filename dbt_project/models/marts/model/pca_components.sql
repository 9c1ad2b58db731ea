{{ learned('components') }}
