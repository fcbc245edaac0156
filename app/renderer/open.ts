document.querySelector('#open')!.textContent = 'x'
export {}
