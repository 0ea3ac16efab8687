// A file that is dropped beside the pad's page would open in this one's place, and take along what is written here.
for (const name of ["dragover", "drop"]) {
  addEventListener(name, (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "none";
  });
}
