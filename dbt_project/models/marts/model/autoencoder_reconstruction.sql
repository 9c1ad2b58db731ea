{{ learned('reconstruction') }}
