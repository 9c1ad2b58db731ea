{{ learned('epochs') }}
