from eyechart.programs.replicate import main

if __name__ == "__main__":
    main()
