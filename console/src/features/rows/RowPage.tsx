export function RowPage() {
  return <main>Row</main>;
}
