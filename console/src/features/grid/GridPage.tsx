export function GridPage() {
  return <main>Rows</main>;
}
